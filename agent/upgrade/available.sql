-- Which of the extensions that the document names this server can make, a JSON string a line.
SELECT to_json(name)
FROM pg_available_extensions, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE w->'names' ? name
ORDER BY name;
