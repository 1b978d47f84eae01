-- What is in this database beside what every database has, and which roles beside its owner have rights in it.
SELECT json_build_array('extension', extname) FROM pg_extension WHERE extname <> 'plpgsql';
SELECT DISTINCT json_build_array('role', pg_get_userbyid(a.grantee))::text
FROM (
  SELECT relacl AS acl FROM pg_class WHERE relnamespace::regnamespace::text !~ '^(pg_|information_schema$)'
  UNION ALL SELECT proacl FROM pg_proc WHERE pronamespace::regnamespace::text !~ '^(pg_|information_schema$)'
  UNION ALL SELECT nspacl FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)' AND nspname <> 'public') given,
  aclexplode(given.acl) a, pg_database d
WHERE d.datname = current_database() AND a.grantee NOT IN (0, d.datdba, a.grantor)
  AND a.grantee <> (SELECT oid FROM pg_roles WHERE rolname = current_user);
