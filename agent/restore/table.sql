-- One table, as statements that bring it elsewhere: a JSON object, or nothing when there is no such table.
SELECT json_build_object(
  'into', into_name,
  'create', format('CREATE TABLE %s (%s)', into_name, types),
  'count', format('SELECT count(*) FROM %s', from_name),
  'out', format('COPY (SELECT %s FROM %s) TO STDOUT', names, from_name),
  'whole', format('SELECT count(*) = :rows AS whole FROM %s', into_name),
  'in', format('COPY %s (%s) FROM STDIN', into_name, names))
FROM (
  SELECT
    format('%I.%I', n.nspname, left(c.relname, 52) || '_restored') AS into_name,
    format('%s %I.%I', CASE c.relkind WHEN 'r' THEN 'ONLY' ELSE '' END, n.nspname, c.relname) AS from_name,
    string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS names,
    string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', ' ORDER BY a.attnum) AS types
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_'
    AND c.oid = to_regclass(convert_from(decode(:'document', 'base64'), 'UTF8')::jsonb->>'table')
  GROUP BY n.nspname, c.relname, c.relkind) found;
