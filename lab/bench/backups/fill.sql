-- Rows number :first to :last, of a kilobyte that packs to some half of it.
CREATE TABLE IF NOT EXISTS bench_rows (id bigint PRIMARY KEY, body text NOT NULL);
INSERT INTO bench_rows
SELECT n, (SELECT string_agg(md5(n || ':' || part), '') FROM generate_series(1, 30) part)
FROM generate_series(:first, :last) n;
