-- The names of all roles, and how many bytes a database takes (null when it isn't there), as one JSON object.
SELECT json_build_object(
  'roles', (SELECT json_agg(rolname ORDER BY rolname) FROM pg_roles WHERE rolname !~ '^pg_'),
  'bytes', (SELECT pg_database_size(oid) FROM pg_database WHERE datname = :'database'));
