-- Load the library that the document names.
SELECT format('LOAD %L', w->>'library')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
