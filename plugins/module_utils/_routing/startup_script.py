# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts that run inside of HAProxy, since its image has no other interpreter. Pure.

By one of them, a starting router takes the newest tables before it answers. Requests wait for it,
5 seconds at most: they are late rather than assigned by an old table.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .buckets import BUCKETS, STABLE
from .runtime_commands import LARGEST_PAYLOAD

# With the headers of one more variant, a page fits into a buffer of 16 KiB.
_LARGEST_PAGE = 4 * 1024
ACTION = "wait_for_tables"
"""The name of the action that lets requests wait."""
TOO_LARGE = "body_too_large"
NO_LENGTH = "body_without_length"
"""Names of the services that answer a request whose body is not taken."""
HEADERS_ACTION = "set_request_headers"
"""The name of the action that sets and deletes the headers of txn.headers."""


@dataclass(frozen=True)
class Startup:
    """Names that the script works with.

    ``maps`` are the tables' maps, ``routes`` the names of backends without their slot. ``peers``
    are unix sockets, each of which leads to the runtime API of one replica. ``state`` is the folder
    that keeps tables and states of servers.
    """

    maps: Sequence[str]
    routes: Sequence[str]
    slots: int
    peers: Sequence[str]
    peer_backend: str
    socket: str
    state: str


def startup_script(names: Startup) -> str:
    """Return the script in Lua."""
    values = {
        "maps": _list(names.maps),
        "routes": _list(names.routes),
        "slots": str(names.slots),
        "peers": _list(names.peers),
        "peer_backend": json.dumps(names.peer_backend),
        "socket": json.dumps(f"unix@{names.socket}"),
        "state": json.dumps(names.state),
        "buckets": str(BUCKETS),
        "payload": str(LARGEST_PAYLOAD),
        "page": str(_LARGEST_PAGE),
        "stable": json.dumps(f"0.{STABLE}"),
        "action": json.dumps(ACTION),
        "too_large": json.dumps(TOO_LARGE),
        "no_length": json.dumps(NO_LENGTH),
    }
    constants = "".join(f"local {name} = {value}\n" for name, value in values.items())
    return f"{constants}{_PROGRAM}"


def _list(texts: Sequence[str]) -> str:
    # All names consist of characters that JSON and Lua write alike.
    return "{" + ", ".join(json.dumps(text) for text in texts) + "}"


# https://www.arpalert.org/src/haproxy-lua-api/2.6/index.html
_PROGRAM = """
local longest_wait = 5
local peer_wait = 2
local started = core.now().sec
local is_ready = false
local saved = {}

-- Reads one buffer at most: 2.6 receives no more of an answer.
local function command(address, text)
  local lines = {}
  local connection = core.tcp()
  connection:settimeout(2)
  if connection:connect(address) then
    connection:send(text .. "\\n")
    local line = connection:receive("*l")
    while line do
      if line ~= "" then lines[#lines + 1] = line end
      line = connection:receive("*l")
    end
  end
  connection:close()
  return lines
end

-- They share their content with the maps of the configuration.
local content = {}
for _, map in ipairs(maps) do content[map] = Map.new(map, Map._str) end

-- One character for each variant, from "0" on: a table of all buckets fits into a buffer.
local first_letter = 48

local function values_of(line)
  local values, letters = {}, {}
  for value in line:gmatch("[^,]+") do
    letters[value] = string.char(first_letter + #values)
    values[#values + 1] = value
  end
  return values, letters
end

-- A table as three lines: revision and salt, slots with their variants, the variant of each bucket.
local function snapshot(map)
  local variants = content[map]:lookup("variants") or ""
  local _, letters = values_of(variants)
  local buckets_line = {}
  for bucket = 0, buckets - 1 do
    local value = content[map]:lookup(tostring(bucket))
    buckets_line[#buckets_line + 1] = letters[value or stable] or letters[stable] or "0"
  end
  return {content[map]:lookup("table") or "", variants, table.concat(buckets_line)}
end

-- The headers of variants from a number on, as entries of the map, and the next number or "end".
local function headers_from(map, number)
  local values = values_of(content[map]:lookup("variants") or "")
  local lines, size = {}, 0
  while number <= #values and size < page do
    local key = "headers:" .. values[number]
    local text = content[map]:lookup(key)
    if text then lines[#lines + 1] = key .. " " .. text end
    size = size + #key + #(text or "") + 2
    number = number + 1
  end
  lines[#lines + 1] = number > #values and "end" or tostring(number)
  return lines
end

-- All of the headers by pages; "end" is the last line.
local function with_headers(lines, read_page)
  local from = "1"
  while from and from ~= "end" do
    local headers = read_page(from)
    from = headers[#headers]
    if from ~= "end" then headers[#headers] = nil end
    for _, line in ipairs(headers) do lines[#lines + 1] = line end
  end
  return lines
end

local function revision_of(lines)
  -- What did not arrive to its end is no table.
  if #lines < 3 or #lines[3] ~= buckets then return -1 end
  return tonumber(lines[1]:match("^(%d+)%.") or -1)
end

local function whole_revision_of(lines)
  return lines[#lines] == "end" and revision_of(lines) or -1
end

local function entries_of(lines)
  local entries = {"table " .. lines[1], "variants " .. lines[2]}
  local values = values_of(lines[2])
  for _, value in ipairs(values) do
    entries[#entries + 1] = "variant:" .. value:match("%.(.*)") .. " " .. value
  end
  for bucket = 0, buckets - 1 do
    local value = values[lines[3]:byte(bucket + 1) - first_letter + 1]
    if value and value ~= stable then entries[#entries + 1] = bucket .. " " .. value end
  end
  for number = 4, #lines - 1 do entries[#entries + 1] = lines[number] end
  return entries
end

local function replace_table(map, lines)
  local version = (command(socket, "prepare map " .. map)[1] or ""):match("created: (%d+)")
  if not version then return end
  -- A controller may have set a table since; of two versions, HAProxy keeps the one begun last.
  if revision_of(snapshot(map)) >= revision_of(lines) then
    command(socket, "clear map @" .. version .. " " .. map)
    return
  end
  local chunk, size, is_whole = {}, 0, true
  local function add()
    local head = "add map @" .. version .. " " .. map .. " <<\\n"
    local answer = command(socket, head .. table.concat(chunk, "\\n") .. "\\n")
    is_whole = is_whole and #answer == 0
    chunk, size = {}, 0
  end
  for _, entry in ipairs(entries_of(lines)) do
    if size + #entry + 1 > payload then add() end
    chunk[#chunk + 1] = entry
    size = size + #entry + 1
  end
  add()
  -- A part of a table is worse than an old one.
  local verb = is_whole and "commit map @" or "clear map @"
  command(socket, verb .. version .. " " .. map)
end

local function saved_table(map)
  local lines = {}
  local file = io.open(state .. "/" .. map:match("[^/]+$"))
  if file then
    for line in file:lines() do lines[#lines + 1] = line end
    file:close()
  end
  return lines
end

-- Sockets of the peers whose addresses are known.
local function known_peers()
  local found = {}
  local backend = core.backends[peer_backend]
  for name, server in pairs(backend and backend.servers or {}) do
    local address = server:get_addr()
    local number = tonumber(name:match("%d+$"))
    if number and address and not address:find("unknown") and not address:find("^:") then
      found[#found + 1] = peers[number]
    end
  end
  return found
end

local function wait_for_peers()
  local found, before = known_peers(), -1
  -- Another thread sets the addresses of an answer, one after the other.
  while #peers > 0 and (#found == 0 or #found ~= before)
    and core.now().sec - started < peer_wait do
    core.msleep(50)
    before = #found
    found = known_peers()
  end
  return found
end

local function take_newest(map, from)
  local mine = revision_of(snapshot(map))
  local newest = saved_table(map)
  if whole_revision_of(newest) < 0 then newest = {} end
  for _, peer in ipairs(from) do
    local lines = command(peer, "show buckets " .. map)
    if revision_of(lines) > revision_of(newest) then
      lines = with_headers(lines, function(number)
        return command(peer, "show headers " .. map .. " " .. number)
      end)
      if whole_revision_of(lines) > 0 then newest = lines end
    end
  end
  if revision_of(newest) > mine then replace_table(map, newest) end
end

local function has_servers(backend)
  return (tonumber(backend:get_stats()["act"]) or 0) > 0
end

local function wait_for_servers()
  for _, route in ipairs(routes) do
    local backend = core.backends[route .. ".0"]
    while backend and core.now().sec - started < longest_wait and not has_servers(backend) do
      core.msleep(20)
    end
  end
end

local function write(path, text)
  local file = io.open(path .. ".new", "w")
  if not file then return false end
  local is_whole = file:write(text)
  file:close()
  return is_whole and os.rename(path .. ".new", path)
end

local function save(map)
  local version = content[map]:lookup("table")
  if version == saved[map] then return end
  local lines = with_headers(snapshot(map), function(number)
    return headers_from(map, tonumber(number))
  end)
  local text = table.concat(lines, "\\n") .. "\\n"
  if write(state .. "/" .. map:match("[^/]+$"), text) then saved[map] = version end
end

-- The states of a backend's servers fit into a buffer, those of all servers may not.
local function save_servers()
  local lines = {"1"}
  for _, route in ipairs(routes) do
    for slot = 0, slots do
      for _, line in ipairs(command(socket, "show servers state " .. route .. "." .. slot)) do
        if line:match("^%d+ ") or (line:match("^#") and #lines == 1) then
          lines[#lines + 1] = line
        end
      end
    end
  end
  write(state .. "/servers", table.concat(lines, "\\n") .. "\\n")
end

-- For replicas that start.
core.register_cli({"show", "buckets"}, "show buckets <map> : show a table of variants",
  function(applet, _, _, map)
    local text = content[map] and table.concat(snapshot(map), "\\n") or "unknown map"
    applet:send(text .. "\\n")
  end)

core.register_cli({"show", "headers"}, "show headers <map> <number> : show headers of variants",
  function(applet, _, _, map, number)
    local lines = content[map] and headers_from(map, tonumber(number) or 1) or {"unknown map"}
    applet:send(table.concat(lines, "\\n") .. "\\n")
  end)

core.register_task(function()
  local from = wait_for_peers()
  for _, map in ipairs(maps) do take_newest(map, from) end
  wait_for_servers()
  is_ready = true
  while true do
    for _, map in ipairs(maps) do save(map) end
    save_servers()
    core.sleep(5)
  end
end)

-- Over HTTP/2, a response that is sent before the end of the body resets the stream, and the client
-- does not see it. So the rest of a body is read, up to a megabyte.
local function refuse_body(name, status, text)
  core.register_service(name, "http", function(applet)
    local received = 0
    local part = applet:receive(8192)
    while part and #part > 0 and received < 1048576 do
      received = received + #part
      part = applet:receive(8192)
    end
    applet:set_status(status)
    applet:add_header("content-length", #text)
    applet:add_header("content-type", "text/plain")
    applet:start_response()
    applet:send(text)
  end)
end

refuse_body(too_large, 413, "The body of the request is too large.\\n")
refuse_body(no_length, 411, "The request needs a Content-Length.\\n")

core.register_action(action, {"http-req"}, function(txn)
  while not is_ready and core.now().sec - started < longest_wait do core.msleep(10) end
  -- From now on no request calls this.
  if is_ready then txn:set_var("proc.ready", true) end
end, 0)
"""

# Every request of a service with such variants runs it, so it keeps what it has parsed.
HEADERS_SCRIPT = r"""
local parsed, count = {}, 0

local function parse(text)
  local headers = {}
  for name, sign, value in text:gmatch("([^&=]+)(=?)([^&]*)") do
    local plain = value:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
    headers[#headers + 1] = {name, sign == "=" and plain or false}
  end
  -- Former tables had other texts.
  if count > 500 then parsed, count = {}, 0 end
  parsed[text], count = headers, count + 1
  return headers
end

core.register_action("%s", {"http-req"}, function(txn)
  local text = txn:get_var("txn.headers")
  for _, header in ipairs(parsed[text] or parse(text)) do
    if header[2] then txn.http:req_set_header(header[1], header[2])
    else txn.http:req_del_header(header[1]) end
  end
end, 0)
""".replace("%s", HEADERS_ACTION, 1)
