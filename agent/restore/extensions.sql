-- What a project's manifest wants in its database, a copy of another's has as well.
SET search_path = public;
SELECT format('CREATE EXTENSION IF NOT EXISTS %I CASCADE', name)
FROM jsonb_array_elements_text(convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb->'names') name
\gexec
