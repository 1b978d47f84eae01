-- What was filled gets the name that apps know; the database that had it, which none uses, goes first.
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', w->>'live')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
SELECT format('ALTER DATABASE %I RENAME TO %I', w->>'new', w->>'live')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
