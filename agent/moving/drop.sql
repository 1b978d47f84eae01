-- A database that is only being filled.
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', w->>'name')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
