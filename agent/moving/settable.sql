-- Those of these settings that whoever asks may give a database: names that the server knows, unless they are a superuser's.
SELECT to_json(name)
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted, jsonb_array_elements_text(w->'names') name
WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
  OR lower(name) IN (SELECT lower(s.name) FROM pg_settings s WHERE s.context = 'user');
