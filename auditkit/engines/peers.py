"""SQL that tells whose a remote address is: the VPC, the subnet and the interface of ours that have it (pure)."""

from __future__ import annotations

from auditkit.engines.flows import private

HOLDERS = """
CREATE OR REPLACE TABLE holders AS
WITH far AS (SELECT DISTINCT a.code, a.ip FROM flows f JOIN addresses a ON a.code = f.remote_address WHERE a.ip IS NOT NULL)
SELECT f.code, o.unit FROM far f JOIN own_ranges o ON o.low = f.ip AND o.low = o.high
UNION
SELECT f.code, o.unit FROM far f JOIN (SELECT * FROM own_ranges WHERE low < high) o ON f.ip BETWEEN o.low AND o.high
"""
"""Remote addresses and the interfaces that have them, in whichever VPC."""


def remotes(*, whole: bool) -> str:
    """Return the statement that makes `remotes`: VPC of the recording interface × remote address → whose it is.

    The interface's own VPC comes first. Elsewhere an address is a VPC's only if no other has it, and if every VPC in scope
    was read: one that was not may have it too. A public address is that of the interface which has it today.

    Needs `flows`, `places`, `addresses`, `holders`, `units`, `vpc_ranges`, `own_public` (unit, ip), `known_vpcs` (vpc_id,
    account_id, vpc_tags, account_tags) and `known_subnets` (vpc_id, low, high, subnet_tags).

    Args:
        whole: whether everything in scope was read.
    """
    elsewhere = (
        "CASE WHEN many > 0 AND NOT near_known THEN NULL WHEN many = 1 THEN one WHEN many = 0 AND owners = 1 THEN public_vpc END"
        if whole
        else "NULL"
    )
    return f"""
CREATE OR REPLACE TABLE remotes AS
WITH networks AS (SELECT DISTINCT network, vpc_id FROM places),
far AS (SELECT DISTINCT a.code, a.ip FROM flows f JOIN addresses a ON a.code = f.remote_address WHERE a.ip IS NOT NULL),
ours AS (SELECT DISTINCT f.code, v.unit AS vpc_id FROM far f JOIN vpc_ranges v ON f.ip BETWEEN v.low AND v.high),
public AS (
  SELECT f.code, count(DISTINCT p.unit) AS owners, min(p.unit) AS public_unit, min(u.vpc_id) AS public_vpc
  FROM far f JOIN own_public p ON p.ip = f.ip JOIN units u ON u.unit = p.unit GROUP BY f.code
),
pairs AS (
  SELECT DISTINCT network, remote_address AS code FROM flows WHERE remote_address IN (SELECT code FROM ours UNION SELECT code FROM public)
    OR (network IN (SELECT network FROM networks WHERE vpc_id IS NULL OR vpc_id NOT IN (SELECT unit FROM vpc_ranges))
      AND remote_address IN (SELECT code FROM far WHERE {private("ip")}))
),
told AS (
  SELECT p.network, p.code, n.vpc_id AS near, n.vpc_id IS NOT NULL AND n.vpc_id IN (SELECT unit FROM vpc_ranges) AS near_known, coalesce(bool_or(o.vpc_id = n.vpc_id), false) AS is_near, count(DISTINCT o.vpc_id) AS many, min(o.vpc_id) AS one,
    any_value(coalesce(b.owners, 0)) AS owners, any_value(b.public_unit) AS public_unit, any_value(b.public_vpc) AS public_vpc
  FROM pairs p JOIN networks n ON n.network = p.network LEFT JOIN ours o ON o.code = p.code LEFT JOIN public b ON b.code = p.code GROUP BY ALL
),
placed AS (
  SELECT network, code, CASE WHEN is_near THEN near ELSE {elsewhere} END AS vpc_id, NOT is_near AND many = 0 AS by_public, public_unit FROM told
),
found AS (
  SELECT p.network, p.code, CASE WHEN count(DISTINCT u.unit) = 1 THEN min(u.unit) END AS unit
  FROM placed p JOIN holders h ON h.code = p.code JOIN units u ON u.unit = h.unit AND u.vpc_id = p.vpc_id WHERE NOT p.by_public GROUP BY ALL
),
netted AS (
  SELECT p.network, p.code, CASE WHEN count(*) = 1 THEN any_value(s.subnet_tags) END AS subnet_tags
  FROM placed p JOIN addresses a ON a.code = p.code JOIN known_subnets s ON s.vpc_id = p.vpc_id AND a.ip BETWEEN s.low AND s.high
  WHERE NOT p.by_public GROUP BY ALL
)
SELECT p.network, p.code AS address, v.account_id, p.vpc_id, u.unit AS interface_id, u.service, u.subject, u.subject_type,
  v.vpc_tags, CASE WHEN p.by_public THEN u.subnet_tags ELSE s.subnet_tags END AS subnet_tags, u.interface_tags, v.account_tags
FROM placed p
LEFT JOIN known_vpcs v ON v.vpc_id = p.vpc_id
LEFT JOIN found f ON f.network = p.network AND f.code = p.code
LEFT JOIN netted s ON s.network = p.network AND s.code = p.code
LEFT JOIN units u ON u.unit = CASE WHEN p.vpc_id IS NULL THEN NULL WHEN p.by_public THEN p.public_unit ELSE f.unit END
"""
