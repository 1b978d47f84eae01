-- What a move has to know of a server and a database. `others` may log in to it without being its owner.
SELECT json_build_object(
  'version', current_setting('server_version_num')::int / 10000,
  'there', d.oid IS NOT NULL,
  'size', coalesce(pg_database_size(d.oid), 0),
  'owner', coalesce(pg_get_userbyid(d.datdba), ''),
  'others', (
    SELECT coalesce(json_agg(DISTINCT pg_get_userbyid(a.grantee)), '[]')
    FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
    WHERE a.privilege_type = 'CONNECT' AND a.grantee <> d.datdba AND NOT r.rolsuper AND r.rolname <> current_user))
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
LEFT JOIN pg_database d ON d.datname = w->>'database';
