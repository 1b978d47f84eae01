-- Which tables of this database have a row: a JSON text with the name, as SQL writes it, a line each. Left out are what
-- extensions have brought themselves, and temporary tables.
SELECT format(
  'SELECT to_json(%L::text) WHERE EXISTS (SELECT FROM ONLY %I.%I)',
  format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^(pg_|information_schema$)'
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY n.nspname, c.relname
\gexec
