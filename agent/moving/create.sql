-- An empty database, with encoding and collation of the live one where that is there; nobody but its owner may log in.
SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', w->>'new')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
\gexec
SELECT
  format('CREATE DATABASE %I WITH OWNER %I TEMPLATE template0 %s', w->>'new', w->>'owner',
    CASE WHEN d.oid IS NOT NULL AND coalesce(to_jsonb(d)->>'datlocprovider', 'c') = 'c' THEN
      format('ENCODING %L LC_COLLATE %L LC_CTYPE %L', pg_encoding_to_char(d.encoding), d.datcollate, d.datctype) END),
  format('REVOKE ALL ON DATABASE %I FROM PUBLIC', w->>'new')
FROM (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
LEFT JOIN pg_database d ON d.datname = w->>'live'
\gexec
