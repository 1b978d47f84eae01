-- Settings of the live database: as the document has them, or else as they are now; those of roles in it the same. A list
-- (search_path) is taken from a transaction that has it, as only PostgreSQL can write it; other values are written as they are.
BEGIN;
WITH wanted AS (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w),
  given AS (
    SELECT w->>'new' AS new, NULLIF(s->>'role', '') AS role, s->>'name' AS name, s->>'value' AS value
    FROM wanted, jsonb_array_elements(CASE jsonb_typeof(w->'settings') WHEN 'array' THEN w->'settings' ELSE '[]' END) s
    UNION ALL
    SELECT w->>'new', r.rolname, split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
    FROM wanted, pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_roles r ON r.oid = s.setrole,
      unnest(s.setconfig) c
    WHERE jsonb_typeof(w->'settings') <> 'array' AND d.datname = w->>'live')
SELECT
  CASE WHEN list THEN format('SELECT set_config(%L, %L, true) IS NULL', name, value) END,
  format('ALTER %s SET %I %s', place, name, CASE WHEN list THEN 'FROM CURRENT' ELSE format('TO %L', value) END)
FROM (
  SELECT *,
    name IN ('local_preload_libraries', 'search_path', 'session_preload_libraries', 'shared_preload_libraries',
      'temp_tablespaces', 'unix_socket_directories') AS list,
    CASE WHEN role IS NULL THEN format('DATABASE %I', new) ELSE format('ROLE %I IN DATABASE %I', role, new) END AS place
  FROM given WHERE role IS NULL OR role IN (SELECT rolname FROM pg_roles)) each
\gexec
COMMIT;
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', w->>'new', d.datconnlimit)
FROM pg_database d, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE d.datname = w->>'live'
\gexec
