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
    CAST(CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END AS Nullable(Decimal(19, 0))) * CAST(CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END AS Nullable(Decimal(19, 0)))
  ) AS "nn0",
  SUM(
    CAST(CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END AS Nullable(Decimal(19, 0))) * CAST(CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END AS Nullable(Decimal(19, 0)))
  ) AS "xx0",
  SUM(
    CAST(CASE WHEN "t18"."p0" > 0 THEN 1 ELSE 0 END AS Nullable(Decimal(19, 0))) * CAST(CASE WHEN "t18"."m0" > 0 THEN 1 ELSE 0 END AS Nullable(Decimal(19, 0)))
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
  SUM("t18"."duplicates") AS "duplicates",
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
    COALESCE("t17"."duplicates", 0) AS "duplicates",
    COALESCE("t17"."conflicting", 0) AS "conflicting"
  FROM (
    SELECT
      *
    FROM "t4" AS "t7"
    WHERE
      "t7"."arm" = "t7"."other"
  ) AS "t12"
  FULL OUTER JOIN (
    SELECT
      "t15"."unit" AS "owner",
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
      "t15"."duplicates" AS "duplicates",
      "t15"."conflicting" AS "conflicting"
    FROM (
      SELECT
        "t14"."arm" AS "arm",
        "t14"."unit" AS "unit",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND (
              "t14"."time" >= "t14"."first"
            )
            AND NOT (
              isNotNull("t14"."arm")
              AND (
                "t14"."time" >= "t14"."first"
              )
              AND (
                "t14"."time" >= (
                  "t14"."first" + 600.0
                )
              )
            )
            AND (
              "t14"."name" = 'order'
            )
          ),
          0
        ) AS "m0",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND NOT (
              "t14"."time" >= "t14"."first"
            )
            AND (
              "t14"."time" >= (
                "t14"."first" + -500.0
              )
            )
            AND (
              "t14"."name" = 'order'
            )
          ),
          0
        ) AS "p0",
        COALESCE(
          sumIf(
            CAST(ROUND("t14"."value" * 1000000, 0) AS Nullable(Int64)),
            isNotNull("t14"."arm")
            AND (
              "t14"."time" >= "t14"."first"
            )
            AND NOT (
              isNotNull("t14"."arm")
              AND (
                "t14"."time" >= "t14"."first"
              )
              AND (
                "t14"."time" >= (
                  "t14"."first" + 600.0
                )
              )
            )
            AND (
              "t14"."name" = 'order'
            )
          ),
          0
        ) AS "m1",
        COALESCE(
          sumIf(
            CAST(ROUND("t14"."value" * 1000000, 0) AS Nullable(Int64)),
            isNotNull("t14"."arm")
            AND NOT (
              "t14"."time" >= "t14"."first"
            )
            AND (
              "t14"."time" >= (
                "t14"."first" + -500.0
              )
            )
            AND (
              "t14"."name" = 'order'
            )
          ),
          0
        ) AS "p1",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND (
              "t14"."time" >= "t14"."first"
            )
            AND NOT (
              isNotNull("t14"."arm")
              AND (
                "t14"."time" >= "t14"."first"
              )
              AND (
                "t14"."time" >= (
                  "t14"."first" + 600.0
                )
              )
            )
            AND (
              "t14"."name" = 'view'
            )
          ),
          0
        ) AS "m2",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND NOT (
              "t14"."time" >= "t14"."first"
            )
            AND (
              "t14"."time" >= (
                "t14"."first" + -500.0
              )
            )
            AND (
              "t14"."name" = 'view'
            )
          ),
          0
        ) AS "p2",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND (
              "t14"."time" >= "t14"."first"
            )
            AND NOT (
              isNotNull("t14"."arm")
              AND (
                "t14"."time" >= "t14"."first"
              )
              AND (
                "t14"."time" >= (
                  "t14"."first" + 600.0
                )
              )
            )
          ),
          0
        ) AS "counted",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND NOT (
              "t14"."time" >= "t14"."first"
            )
            AND (
              "t14"."time" >= (
                "t14"."first" + -500.0
              )
            )
          ),
          0
        ) AS "in_pre_period",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND NOT (
              "t14"."time" >= "t14"."first"
            )
            AND NOT (
              isNotNull("t14"."arm")
              AND NOT (
                "t14"."time" >= "t14"."first"
              )
              AND (
                "t14"."time" >= (
                  "t14"."first" + -500.0
                )
              )
            )
          ),
          0
        ) AS "before_exposure",
        COALESCE(
          countIf(
            isNotNull("t14"."arm")
            AND (
              "t14"."time" >= "t14"."first"
            )
            AND (
              "t14"."time" >= (
                "t14"."first" + 600.0
              )
            )
          ),
          0
        ) AS "after_window",
        COALESCE(countIf(NOT (
          isNotNull("t14"."arm")
        ) AND isNotNull("t14"."unit")), 0) AS "of_other_units",
        COALESCE(countIf(isNull("t14"."unit")), 0) AS "without_unit",
        SUM("t14"."copies" - 1) AS "duplicates",
        COALESCE(countIf("t14"."value" <> "t14"."largest"), 0) AS "conflicting"
      FROM (
        SELECT
          "t9"."unit" AS "unit",
          "t9"."id" AS "id",
          "t9"."time" AS "time",
          "t9"."name" AS "name",
          "t9"."value" AS "value",
          "t9"."largest" AS "largest",
          "t9"."copies" AS "copies",
          "t13"."owner" AS "owner",
          "t13"."arm" AS "arm",
          "t13"."first" AS "first"
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
              MAX("t3"."value") AS "largest",
              COUNT(*) AS "copies"
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
              "t1"."value" AS "largest",
              1 AS "copies"
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
            "t7"."first" AS "first"
          FROM "t4" AS "t7"
          WHERE
            "t7"."arm" = "t7"."other"
        ) AS "t13"
          ON "t9"."unit" = "t13"."owner"
      ) AS "t14"
      GROUP BY
        "t14"."arm",
        "t14"."unit"
    ) AS "t15"
  ) AS "t17"
    ON "t12"."unit" = "t17"."owner"
) AS "t18"
GROUP BY
  "t18"."arm"
