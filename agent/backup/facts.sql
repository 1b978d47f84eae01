-- What a restore needs to know of this database, as one JSON object.
SELECT json_build_object(
  'size', pg_database_size(d.oid),
  'version', current_setting('server_version'),
  'owner', pg_get_userbyid(d.datdba),
  'settings', coalesce((
    SELECT json_agg(setting)
    FROM pg_db_role_setting s, unnest(s.setconfig) setting
    WHERE s.setdatabase = d.oid AND s.setrole = 0), '[]'),
  'role_settings', coalesce((
    SELECT json_object_agg(pg_get_userbyid(s.setrole), to_json(s.setconfig))
    FROM pg_db_role_setting s
    WHERE s.setdatabase = d.oid AND s.setrole <> 0), '{}'),
  'extensions', coalesce((SELECT json_object_agg(extname, extversion) FROM pg_extension), '{}'))
FROM pg_database d
WHERE d.datname = current_database();
