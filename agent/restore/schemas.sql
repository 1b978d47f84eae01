-- The owner of the database owns its schemas, too.
SELECT format('ALTER SCHEMA %I OWNER TO %I', n.nspname, pg_get_userbyid(d.datdba))
FROM pg_namespace n, pg_database d
WHERE d.datname = current_database() AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('public', 'information_schema')
  AND NOT EXISTS (
    SELECT FROM pg_depend e WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e')
\gexec
