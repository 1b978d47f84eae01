-- What an upgrade needs to know of the whole cluster, as one JSON object.
SELECT json_build_object(
  'version', current_setting('server_version_num')::int,
  'system', (SELECT system_identifier::text FROM pg_control_system()),
  'prepared', (SELECT count(*) FROM pg_prepared_xacts),
  'tablespaces', (
    SELECT coalesce(json_agg(spcname ORDER BY spcname), '[]') FROM pg_tablespace
    WHERE spcname NOT IN ('pg_default', 'pg_global')),
  'slots', (
    SELECT coalesce(json_agg(slot_name ORDER BY slot_name), '[]') FROM pg_replication_slots WHERE slot_type = 'logical'),
  'libraries', (
    SELECT coalesce(json_agg(DISTINCT trim(both ' "' FROM library)), '[]')
    FROM (
      SELECT setting FROM pg_settings WHERE name LIKE '%preload\_libraries'
      UNION ALL
      SELECT substr(c, strpos(c, '=') + 1) FROM pg_db_role_setting, unnest(setconfig) c WHERE c LIKE '%preload\_libraries=%'
    ) given, regexp_split_to_table(setting, ',') library
    WHERE trim(both ' "' FROM library) <> ''),
  'checksums', current_setting('data_checksums') = 'on',
  'segment', (SELECT bytes_per_wal_segment FROM pg_control_init()),
  'template', (
    SELECT json_build_object(
      'encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
      'provider', to_jsonb(d)->>'datlocprovider', 'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))
    FROM pg_database d WHERE datname = 'template1'),
  'databases', (
    SELECT json_agg(json_build_object(
      'name', datname, 'owner', pg_get_userbyid(datdba), 'size', pg_database_size(oid),
      'open', datallowconn, 'broken', datconnlimit = -2) ORDER BY datname)
    FROM pg_database WHERE datname <> 'template0'));
