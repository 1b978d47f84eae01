-- What this database holds: rows and a sum of each table, in whatever order they lie, where each sequence is, large objects. Values are
-- written by the types' own output functions, not by casts, which a project may have made. Settings are those of all such
-- questions, so that both sides write the same.
SET statement_timeout = 0;
SET search_path = '';
SET datestyle = 'ISO, MDY';
SET intervalstyle = 'postgres';
SET extra_float_digits = 3;
SET bytea_output = 'hex';
SET timezone = 'UTC';
SET lc_monetary = 'C';
SELECT format(
  'SELECT json_build_array(%L, count(*), coalesce(sum((''x'' || substr(md5(textin(record_out(codeb_row.*))), 1, 16))::bit(64)::bigint::numeric), 0)::text) FROM ONLY %I.%I AS codeb_row',
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
\gexec
SELECT format('SELECT json_build_array(%L, 0, last_value || '' '' || is_called) FROM %I.%I',
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'S' AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
\gexec
SELECT json_build_array('large objects', count(*), '') FROM pg_largeobject_metadata;
