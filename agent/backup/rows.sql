-- How many rows each table has: a JSON array of its name, as SQL writes it, and the number, a line each. Left out are what
-- extensions have brought themselves, temporary tables, and unlogged ones of a server that only reads: it can't read these.
SELECT format(
  'SELECT json_build_array(%L, count(*)) FROM ONLY %I.%I',
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND (c.relpersistence <> 'u' OR NOT pg_is_in_recovery()) AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
\gexec
