-- The owner of a database may log in again, and so may the roles that act as it.
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, w->>'owner')
FROM pg_database d, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE d.datname = w->>'database'
\gexec
