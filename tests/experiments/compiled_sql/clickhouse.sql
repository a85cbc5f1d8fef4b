-- Copyright (c) 2026, the shipping.code contributors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH "t4" AS (
  SELECT
    "t2"."unit" AS "unit",
    MIN("t2"."first") AS "first",
    MIN("t2"."arm") AS "arm",
    MAX("t2"."arm") AS "other",
    SUM("t2"."requests") AS "requests",
    SUM("t2"."errors") AS "errors",
    SUM("t2"."duration") AS "duration"
  FROM (
    SELECT
      *
    FROM "exposures" AS "t0"
    WHERE
      "t0"."arm" IN ('control', 'new') AND isNotNull("t0"."unit") AND "t0"."unit" <> ''
  ) AS "t2"
  GROUP BY
    "t2"."unit"
)
SELECT
  "t18"."arm" AS "arm",
  SUM(CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END) AS "n0",
  SUM(CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END) AS "x0",
  SUM(
    CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END * CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END
  ) AS "nn0",
  SUM(
    CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END * CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END
  ) AS "xx0",
  SUM(
    CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END * CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END
  ) AS "xn0",
  SUM(LEAST("t18"."m1", 100000000)) AS "n1",
  SUM(LEAST("t18"."p1", 100000000)) AS "x1",
  SUM(
    CAST(LEAST("t18"."m1", 100000000) AS Nullable(Decimal(19, 0))) * CAST(LEAST("t18"."m1", 100000000) AS Nullable(Decimal(19, 0)))
  ) AS "nn1",
  SUM(
    CAST(LEAST("t18"."p1", 100000000) AS Nullable(Decimal(19, 0))) * CAST(LEAST("t18"."p1", 100000000) AS Nullable(Decimal(19, 0)))
  ) AS "xx1",
  SUM(
    CAST(LEAST("t18"."p1", 100000000) AS Nullable(Decimal(19, 0))) * CAST(LEAST("t18"."m1", 100000000) AS Nullable(Decimal(19, 0)))
  ) AS "xn1",
  SUM("t18"."m1") AS "n2",
  SUM("t18"."m2") AS "d2",
  SUM("t18"."p1") AS "x2",
  SUM(
    CAST("t18"."m1" AS Nullable(Decimal(19, 0))) * CAST("t18"."m1" AS Nullable(Decimal(19, 0)))
  ) AS "nn2",
  SUM(
    CAST("t18"."m2" AS Nullable(Decimal(19, 0))) * CAST("t18"."m2" AS Nullable(Decimal(19, 0)))
  ) AS "dd2",
  SUM(
    CAST("t18"."m1" AS Nullable(Decimal(19, 0))) * CAST("t18"."m2" AS Nullable(Decimal(19, 0)))
  ) AS "nd2",
  SUM(
    CAST("t18"."p1" AS Nullable(Decimal(19, 0))) * CAST("t18"."p1" AS Nullable(Decimal(19, 0)))
  ) AS "xx2",
  SUM(
    CAST("t18"."p1" AS Nullable(Decimal(19, 0))) * CAST("t18"."m1" AS Nullable(Decimal(19, 0)))
  ) AS "xn2",
  SUM(
    CAST("t18"."p1" AS Nullable(Decimal(19, 0))) * CAST("t18"."m2" AS Nullable(Decimal(19, 0)))
  ) AS "xd2",
  SUM("t18"."errors") AS "n3",
  SUM("t18"."requests") AS "d3",
  SUM(
    CAST("t18"."errors" AS Nullable(Decimal(19, 0))) * CAST("t18"."errors" AS Nullable(Decimal(19, 0)))
  ) AS "nn3",
  SUM(
    CAST("t18"."requests" AS Nullable(Decimal(19, 0))) * CAST("t18"."requests" AS Nullable(Decimal(19, 0)))
  ) AS "dd3",
  SUM(
    CAST("t18"."errors" AS Nullable(Decimal(19, 0))) * CAST("t18"."requests" AS Nullable(Decimal(19, 0)))
  ) AS "nd3",
  SUM("t18"."m0") AS "n4",
  SUM("t18"."requests") AS "d4",
  SUM("t18"."p0") AS "x4",
  SUM(
    CAST("t18"."m0" AS Nullable(Decimal(19, 0))) * CAST("t18"."m0" AS Nullable(Decimal(19, 0)))
  ) AS "nn4",
  SUM(
    CAST("t18"."requests" AS Nullable(Decimal(19, 0))) * CAST("t18"."requests" AS Nullable(Decimal(19, 0)))
  ) AS "dd4",
  SUM(
    CAST("t18"."m0" AS Nullable(Decimal(19, 0))) * CAST("t18"."requests" AS Nullable(Decimal(19, 0)))
  ) AS "nd4",
  SUM(
    CAST("t18"."p0" AS Nullable(Decimal(19, 0))) * CAST("t18"."p0" AS Nullable(Decimal(19, 0)))
  ) AS "xx4",
  SUM(
    CAST("t18"."p0" AS Nullable(Decimal(19, 0))) * CAST("t18"."m0" AS Nullable(Decimal(19, 0)))
  ) AS "xn4",
  SUM(
    CAST("t18"."p0" AS Nullable(Decimal(19, 0))) * CAST("t18"."requests" AS Nullable(Decimal(19, 0)))
  ) AS "xd4",
  SUM("t18"."counted") AS "counted",
  SUM("t18"."in_pre_period") AS "in_pre_period",
  SUM("t18"."before_exposure") AS "before_exposure",
  SUM("t18"."after_window") AS "after_window",
  SUM("t18"."of_other_units") AS "of_other_units",
  SUM("t18"."without_unit") AS "without_unit",
  SUM("t18"."conflicting") AS "conflicting"
FROM (
  SELECT
    "t12"."arm" AS "arm",
    COALESCE("t12"."requests", 0) AS "requests",
    COALESCE("t12"."errors", 0) AS "errors",
    COALESCE("t12"."duration", 0) AS "duration",
    COALESCE("t17"."m0", 0) AS "m0",
    COALESCE("t17"."p0", 0) AS "p0",
    COALESCE("t17"."m1", 0) AS "m1",
    COALESCE("t17"."p1", 0) AS "p1",
    COALESCE("t17"."m2", 0) AS "m2",
    COALESCE("t17"."p2", 0) AS "p2",
    COALESCE("t17"."counted", 0) AS "counted",
    COALESCE("t17"."in_pre_period", 0) AS "in_pre_period",
    COALESCE("t17"."before_exposure", 0) AS "before_exposure",
    COALESCE("t17"."after_window", 0) AS "after_window",
    COALESCE("t17"."of_other_units", 0) AS "of_other_units",
    COALESCE("t17"."without_unit", 0) AS "without_unit",
    COALESCE("t17"."conflicting", 0) AS "conflicting"
  FROM (
    SELECT
      "t7"."unit" AS "unit",
      "t7"."first" AS "first",
      "t7"."arm" AS "arm",
      "t7"."other" AS "other",
      "t7"."requests" AS "requests",
      "t7"."errors" AS "errors",
      "t7"."duration" AS "duration",
      "t7"."unit" AS "number"
    FROM "t4" AS "t7"
    WHERE
      "t7"."arm" = "t7"."other"
  ) AS "t12"
  FULL OUTER JOIN (
    SELECT
      "t15"."number" AS "owner",
      "t15"."arm" AS "owner_arm",
      "t15"."m0" AS "m0",
      "t15"."p0" AS "p0",
      "t15"."m1" AS "m1",
      "t15"."p1" AS "p1",
      "t15"."m2" AS "m2",
      "t15"."p2" AS "p2",
      "t15"."counted" AS "counted",
      "t15"."in_pre_period" AS "in_pre_period",
      "t15"."before_exposure" AS "before_exposure",
      "t15"."after_window" AS "after_window",
      "t15"."of_other_units" AS "of_other_units",
      "t15"."without_unit" AS "without_unit",
      "t15"."conflicting" AS "conflicting"
    FROM (
      SELECT
        "t14"."arm" AS "arm",
        "t14"."number" AS "number",
        COALESCE(countIf((
          "t14"."name" = 'order'
        ) AND (
          "t14"."place" = 0
        )), 0) AS "m0",
        COALESCE(countIf((
          "t14"."name" = 'order'
        ) AND (
          "t14"."place" = 1
        )), 0) AS "p0",
        CAST(COALESCE(sumIf("t14"."value", (
          "t14"."name" = 'order'
        ) AND (
          "t14"."place" = 0
        )), 0) AS Nullable(Int64)) AS "m1",
        CAST(COALESCE(sumIf("t14"."value", (
          "t14"."name" = 'order'
        ) AND (
          "t14"."place" = 1
        )), 0) AS Nullable(Int64)) AS "p1",
        COALESCE(countIf((
          "t14"."name" = 'view'
        ) AND (
          "t14"."place" = 0
        )), 0) AS "m2",
        COALESCE(countIf((
          "t14"."name" = 'view'
        ) AND (
          "t14"."place" = 1
        )), 0) AS "p2",
        COALESCE(countIf("t14"."place" = 0), 0) AS "counted",
        COALESCE(countIf("t14"."place" = 1), 0) AS "in_pre_period",
        COALESCE(countIf("t14"."place" = 2), 0) AS "before_exposure",
        COALESCE(countIf("t14"."place" = 3), 0) AS "after_window",
        COALESCE(countIf("t14"."place" = 4), 0) AS "of_other_units",
        COALESCE(countIf("t14"."place" = 5), 0) AS "without_unit",
        COALESCE(countIf("t14"."is_conflicting"), 0) AS "conflicting"
      FROM (
        SELECT
          "t13"."arm" AS "arm",
          "t13"."number" AS "number",
          "t9"."name" AS "name",
          CAST(CAST(ROUND("t9"."value" * 1000000, 0) AS Nullable(Int64)) AS Nullable(Float64)) AS "value",
          CASE
            WHEN isNull("t9"."unit")
            THEN 5
            WHEN isNull("t13"."arm")
            THEN 4
            WHEN "t9"."time" >= (
              "t13"."first" + 600.0
            )
            THEN 3
            WHEN "t9"."time" >= "t13"."first"
            THEN 0
            WHEN "t9"."time" >= (
              "t13"."first" + -500.0
            )
            THEN 1
            ELSE 2
          END AS "place",
          "t9"."value" <> "t9"."largest" AS "is_conflicting"
        FROM (
          SELECT
            *
          FROM (
            SELECT
              "t3"."unit" AS "unit",
              "t3"."id" AS "id",
              MIN("t3"."time") AS "time",
              MIN("t3"."name") AS "name",
              MIN("t3"."value") AS "value",
              MAX("t3"."value") AS "largest"
            FROM (
              SELECT
                *
              FROM "events" AS "t1"
              WHERE
                "t1"."name" IN ('order', 'view') AND isNotNull("t1"."id") AND "t1"."id" <> ''
            ) AS "t3"
            GROUP BY
              "t3"."unit",
              "t3"."id"
          ) AS "t6"
          UNION ALL
          SELECT
            *
          FROM (
            SELECT
              "t1"."unit" AS "unit",
              "t1"."id" AS "id",
              "t1"."time" AS "time",
              "t1"."name" AS "name",
              "t1"."value" AS "value",
              "t1"."value" AS "largest"
            FROM "events" AS "t1"
            WHERE
              "t1"."name" IN ('order', 'view')
              AND (
                NOT (
                  isNotNull("t1"."id") AND (
                    "t1"."id" <> ''
                  )
                ) OR isNull("t1"."id")
              )
          ) AS "t5"
        ) AS "t9"
        LEFT OUTER JOIN (
          SELECT
            "t7"."unit" AS "owner",
            "t7"."arm" AS "arm",
            "t7"."first" AS "first",
            "t7"."unit" AS "number"
          FROM "t4" AS "t7"
          WHERE
            "t7"."arm" = "t7"."other"
        ) AS "t13"
          ON "t9"."unit" = "t13"."owner"
      ) AS "t14"
      GROUP BY
        "t14"."arm",
        "t14"."number"
    ) AS "t15"
  ) AS "t17"
    ON "t12"."number" = "t17"."owner"
) AS "t18"
GROUP BY
  "t18"."arm"
