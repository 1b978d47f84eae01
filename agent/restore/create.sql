-- An empty database as the live one is: encoding, collation, owner, who may log in. Nobody else may.
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', w->>'new')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
SELECT
  format('CREATE DATABASE %I WITH TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L TABLESPACE %I %s',
    w->>'new', pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, t.spcname,
    CASE d.datlocprovider
      WHEN 'i' THEN format('LOCALE_PROVIDER icu ICU_LOCALE %L', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))
      WHEN 'b' THEN format('LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', to_jsonb(d)->>'datlocale')
      ELSE 'LOCALE_PROVIDER libc' END),
  format('COMMENT ON DATABASE %I IS %L', w->>'new', w->>'note'),
  format('REVOKE ALL ON DATABASE %I FROM PUBLIC', w->>'new')
FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace,
  (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE d.datname = w->>'live'
\gexec
SELECT format('GRANT %s ON DATABASE %I TO %I%s', a.privilege_type, w->>'new', pg_get_userbyid(a.grantee),
  CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_database d, aclexplode(d.datacl) a, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE d.datname = w->>'live' AND a.grantee NOT IN (0, d.datdba)
\gexec
