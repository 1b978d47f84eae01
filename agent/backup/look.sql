-- Databases by the names that the document has, those whose names end as it says, and those that we have closed: a JSON
-- array a line: name, bytes on disk, owner, whether it lets anybody in, what is said of it.
SELECT json_build_array(d.datname, pg_database_size(d.oid), pg_get_userbyid(d.datdba), d.datallowconn,
  coalesce(shobj_description(d.oid, 'pg_database'), ''))
FROM pg_database d, (SELECT convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb AS w) wanted
WHERE w->'names' ? d.datname
  OR EXISTS (SELECT FROM jsonb_array_elements_text(w->'ends') ends WHERE right(d.datname, length(ends)) = ends)
  OR jsonb_array_length(w->'ends') > 0 AND shobj_description(d.oid, 'pg_database') LIKE '{"codeb": "swapping"%'
ORDER BY d.datname;
