-- What an upgrade needs to know of this database, as one JSON object.
SELECT json_build_object(
  'extensions', (SELECT coalesce(json_object_agg(extname, extversion), '{}') FROM pg_extension),
  'configured', (SELECT coalesce(json_agg(extname ORDER BY 1), '[]') FROM pg_extension WHERE extconfig IS NOT NULL),
  'unlogged', (
    SELECT coalesce(json_agg(format('%I.%I', n.nspname, c.relname) ORDER BY 1), '[]')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relpersistence = 'u' AND c.relkind = 'r' AND pg_relation_size(c.oid) > 0),
  'libraries', (
    SELECT coalesce(json_agg(DISTINCT p.probin), '[]')
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE l.lanname = 'c' AND p.probin IS NOT NULL AND p.oid >= 16384 AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')));
