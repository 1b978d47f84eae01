-- Drop the databases that the document names; whoever is logged in to one is thrown out.
SELECT format('DROP DATABASE %I WITH (FORCE)', d.datname)
FROM pg_database d, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE w->'names' ? d.datname
\gexec
