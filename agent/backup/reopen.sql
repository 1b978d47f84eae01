-- Let people into the databases that the document names again: a swap that the server did not survive has closed them.
SELECT format('COMMENT ON DATABASE %I IS NULL', d.datname), format('ALTER DATABASE %I ALLOW_CONNECTIONS true', d.datname)
FROM pg_database d, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE w->'names' ? d.datname
\gexec
