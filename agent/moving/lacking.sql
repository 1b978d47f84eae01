-- Extensions that are wanted and that this server does not offer.
SELECT to_json(name)
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted, jsonb_array_elements_text(w->'names') name
WHERE name NOT IN (SELECT a.name FROM pg_available_extensions a);
