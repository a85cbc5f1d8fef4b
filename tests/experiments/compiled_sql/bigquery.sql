-- Copyright (c) 2026, the shipping.code contributors
-- GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
WITH `t4` AS (
  SELECT
    `t2`.`unit`,
    MIN(`t2`.`first`) AS `first`,
    MIN(`t2`.`arm`) AS `arm`,
    MAX(`t2`.`arm`) AS `other`,
    SUM(`t2`.`requests`) AS `requests`,
    SUM(`t2`.`errors`) AS `errors`,
    SUM(`t2`.`duration`) AS `duration`
  FROM (
    SELECT
      *
    FROM `exposures` AS `t0`
    WHERE
      `t0`.`arm` IN ('control', 'new') AND `t0`.`unit` IS NOT NULL AND `t0`.`unit` <> ''
  ) AS `t2`
  GROUP BY
    1
)
SELECT
  `t18`.`arm`,
  SUM(IF(`t18`.`m0` > 0, 1, 0)) AS `n0`,
  SUM(IF(`t18`.`p0` > 0, 1, 0)) AS `x0`,
  SUM(IF(`t18`.`m0` > 0, 1, 0) * IF(`t18`.`m0` > 0, 1, 0)) AS `nn0`,
  SUM(IF(`t18`.`p0` > 0, 1, 0) * IF(`t18`.`p0` > 0, 1, 0)) AS `xx0`,
  SUM(IF(`t18`.`p0` > 0, 1, 0) * IF(`t18`.`m0` > 0, 1, 0)) AS `xn0`,
  SUM(LEAST(`t18`.`m1`, 100000000)) AS `n1`,
  SUM(LEAST(`t18`.`p1`, 100000000)) AS `x1`,
  SUM(
    CAST(LEAST(`t18`.`m1`, 100000000) AS NUMERIC) * CAST(LEAST(`t18`.`m1`, 100000000) AS NUMERIC)
  ) AS `nn1`,
  SUM(
    CAST(LEAST(`t18`.`p1`, 100000000) AS NUMERIC) * CAST(LEAST(`t18`.`p1`, 100000000) AS NUMERIC)
  ) AS `xx1`,
  SUM(
    CAST(LEAST(`t18`.`p1`, 100000000) AS NUMERIC) * CAST(LEAST(`t18`.`m1`, 100000000) AS NUMERIC)
  ) AS `xn1`,
  SUM(`t18`.`m1`) AS `n2`,
  SUM(`t18`.`m2`) AS `d2`,
  SUM(`t18`.`p1`) AS `x2`,
  SUM(CAST(`t18`.`m1` AS NUMERIC) * CAST(`t18`.`m1` AS NUMERIC)) AS `nn2`,
  SUM(CAST(`t18`.`m2` AS NUMERIC) * CAST(`t18`.`m2` AS NUMERIC)) AS `dd2`,
  SUM(CAST(`t18`.`m1` AS NUMERIC) * CAST(`t18`.`m2` AS NUMERIC)) AS `nd2`,
  SUM(CAST(`t18`.`p1` AS NUMERIC) * CAST(`t18`.`p1` AS NUMERIC)) AS `xx2`,
  SUM(CAST(`t18`.`p1` AS NUMERIC) * CAST(`t18`.`m1` AS NUMERIC)) AS `xn2`,
  SUM(CAST(`t18`.`p1` AS NUMERIC) * CAST(`t18`.`m2` AS NUMERIC)) AS `xd2`,
  SUM(`t18`.`errors`) AS `n3`,
  SUM(`t18`.`requests`) AS `d3`,
  SUM(CAST(`t18`.`errors` AS NUMERIC) * CAST(`t18`.`errors` AS NUMERIC)) AS `nn3`,
  SUM(CAST(`t18`.`requests` AS NUMERIC) * CAST(`t18`.`requests` AS NUMERIC)) AS `dd3`,
  SUM(CAST(`t18`.`errors` AS NUMERIC) * CAST(`t18`.`requests` AS NUMERIC)) AS `nd3`,
  SUM(`t18`.`m0`) AS `n4`,
  SUM(`t18`.`requests`) AS `d4`,
  SUM(`t18`.`p0`) AS `x4`,
  SUM(CAST(`t18`.`m0` AS NUMERIC) * CAST(`t18`.`m0` AS NUMERIC)) AS `nn4`,
  SUM(CAST(`t18`.`requests` AS NUMERIC) * CAST(`t18`.`requests` AS NUMERIC)) AS `dd4`,
  SUM(CAST(`t18`.`m0` AS NUMERIC) * CAST(`t18`.`requests` AS NUMERIC)) AS `nd4`,
  SUM(CAST(`t18`.`p0` AS NUMERIC) * CAST(`t18`.`p0` AS NUMERIC)) AS `xx4`,
  SUM(CAST(`t18`.`p0` AS NUMERIC) * CAST(`t18`.`m0` AS NUMERIC)) AS `xn4`,
  SUM(CAST(`t18`.`p0` AS NUMERIC) * CAST(`t18`.`requests` AS NUMERIC)) AS `xd4`,
  SUM(`t18`.`counted`) AS `counted`,
  SUM(`t18`.`in_pre_period`) AS `in_pre_period`,
  SUM(`t18`.`before_exposure`) AS `before_exposure`,
  SUM(`t18`.`after_window`) AS `after_window`,
  SUM(`t18`.`of_other_units`) AS `of_other_units`,
  SUM(`t18`.`without_unit`) AS `without_unit`,
  SUM(`t18`.`conflicting`) AS `conflicting`
FROM (
  SELECT
    `t12`.`arm`,
    COALESCE(`t12`.`requests`, 0) AS `requests`,
    COALESCE(`t12`.`errors`, 0) AS `errors`,
    COALESCE(`t12`.`duration`, 0) AS `duration`,
    COALESCE(`t17`.`m0`, 0) AS `m0`,
    COALESCE(`t17`.`p0`, 0) AS `p0`,
    COALESCE(`t17`.`m1`, 0) AS `m1`,
    COALESCE(`t17`.`p1`, 0) AS `p1`,
    COALESCE(`t17`.`m2`, 0) AS `m2`,
    COALESCE(`t17`.`p2`, 0) AS `p2`,
    COALESCE(`t17`.`counted`, 0) AS `counted`,
    COALESCE(`t17`.`in_pre_period`, 0) AS `in_pre_period`,
    COALESCE(`t17`.`before_exposure`, 0) AS `before_exposure`,
    COALESCE(`t17`.`after_window`, 0) AS `after_window`,
    COALESCE(`t17`.`of_other_units`, 0) AS `of_other_units`,
    COALESCE(`t17`.`without_unit`, 0) AS `without_unit`,
    COALESCE(`t17`.`conflicting`, 0) AS `conflicting`
  FROM (
    SELECT
      `t7`.`unit`,
      `t7`.`first`,
      `t7`.`arm`,
      `t7`.`other`,
      `t7`.`requests`,
      `t7`.`errors`,
      `t7`.`duration`,
      `t7`.`unit` AS `number`
    FROM `t4` AS `t7`
    WHERE
      `t7`.`arm` = `t7`.`other`
  ) AS `t12`
  FULL OUTER JOIN (
    SELECT
      `t15`.`number` AS `owner`,
      `t15`.`arm` AS `owner_arm`,
      `t15`.`m0`,
      `t15`.`p0`,
      `t15`.`m1`,
      `t15`.`p1`,
      `t15`.`m2`,
      `t15`.`p2`,
      `t15`.`counted`,
      `t15`.`in_pre_period`,
      `t15`.`before_exposure`,
      `t15`.`after_window`,
      `t15`.`of_other_units`,
      `t15`.`without_unit`,
      `t15`.`conflicting`
    FROM (
      SELECT
        `t14`.`arm`,
        `t14`.`number`,
        COALESCE(COUNTIF((
          `t14`.`name` = 'order'
        ) AND (
          `t14`.`place` = 0
        )), 0) AS `m0`,
        COALESCE(COUNTIF((
          `t14`.`name` = 'order'
        ) AND (
          `t14`.`place` = 1
        )), 0) AS `p0`,
        CAST(TRUNC(
          COALESCE(
            SUM(
              IF((
                `t14`.`name` = 'order'
              ) AND (
                `t14`.`place` = 0
              ), `t14`.`value`, NULL)
            ),
            0
          )
        ) AS INT64) AS `m1`,
        CAST(TRUNC(
          COALESCE(
            SUM(
              IF((
                `t14`.`name` = 'order'
              ) AND (
                `t14`.`place` = 1
              ), `t14`.`value`, NULL)
            ),
            0
          )
        ) AS INT64) AS `p1`,
        COALESCE(COUNTIF((
          `t14`.`name` = 'view'
        ) AND (
          `t14`.`place` = 0
        )), 0) AS `m2`,
        COALESCE(COUNTIF((
          `t14`.`name` = 'view'
        ) AND (
          `t14`.`place` = 1
        )), 0) AS `p2`,
        COALESCE(COUNTIF(`t14`.`place` = 0), 0) AS `counted`,
        COALESCE(COUNTIF(`t14`.`place` = 1), 0) AS `in_pre_period`,
        COALESCE(COUNTIF(`t14`.`place` = 2), 0) AS `before_exposure`,
        COALESCE(COUNTIF(`t14`.`place` = 3), 0) AS `after_window`,
        COALESCE(COUNTIF(`t14`.`place` = 4), 0) AS `of_other_units`,
        COALESCE(COUNTIF(`t14`.`place` = 5), 0) AS `without_unit`,
        COALESCE(COUNTIF(`t14`.`is_conflicting`), 0) AS `conflicting`
      FROM (
        SELECT
          `t13`.`arm`,
          `t13`.`number`,
          `t9`.`name`,
          CAST(CAST(ROUND(`t9`.`value` * 1000000, 0) AS INT64) AS FLOAT64) AS `value`,
          CASE
            WHEN `t9`.`unit` IS NULL
            THEN 5
            WHEN `t13`.`arm` IS NULL
            THEN 4
            WHEN `t9`.`time` >= (
              `t13`.`first` + 600.0
            )
            THEN 3
            WHEN `t9`.`time` >= `t13`.`first`
            THEN 0
            WHEN `t9`.`time` >= (
              `t13`.`first` + -500.0
            )
            THEN 1
            ELSE 2
          END AS `place`,
          `t9`.`value` <> `t9`.`largest` AS `is_conflicting`
        FROM (
          SELECT
            *
          FROM (
            SELECT
              `t3`.`unit`,
              `t3`.`id`,
              MIN(`t3`.`time`) AS `time`,
              MIN(`t3`.`name`) AS `name`,
              MIN(`t3`.`value`) AS `value`,
              MAX(`t3`.`value`) AS `largest`
            FROM (
              SELECT
                *
              FROM `events` AS `t1`
              WHERE
                `t1`.`name` IN ('order', 'view') AND `t1`.`id` IS NOT NULL AND `t1`.`id` <> ''
            ) AS `t3`
            GROUP BY
              1,
              2
          ) AS `t6`
          UNION ALL
          SELECT
            *
          FROM (
            SELECT
              `t1`.`unit`,
              `t1`.`id`,
              `t1`.`time`,
              `t1`.`name`,
              `t1`.`value`,
              `t1`.`value` AS `largest`
            FROM `events` AS `t1`
            WHERE
              `t1`.`name` IN ('order', 'view')
              AND (
                NOT (
                  (
                    `t1`.`id` IS NOT NULL
                  ) AND (
                    `t1`.`id` <> ''
                  )
                )
                OR (
                  `t1`.`id` IS NULL
                )
              )
          ) AS `t5`
        ) AS `t9`
        LEFT OUTER JOIN (
          SELECT
            `t7`.`unit` AS `owner`,
            `t7`.`arm`,
            `t7`.`first`,
            `t7`.`unit` AS `number`
          FROM `t4` AS `t7`
          WHERE
            `t7`.`arm` = `t7`.`other`
        ) AS `t13`
          ON `t9`.`unit` = `t13`.`owner`
      ) AS `t14`
      GROUP BY
        1,
        2
    ) AS `t15`
  ) AS `t17`
    ON `t12`.`number` = `t17`.`owner`
) AS `t18`
GROUP BY
  1
