-- A transaction with a number leaves the time of its end in WAL: recovery to a moment ends at the first that is later.
SELECT pg_current_xact_id() AS beat \gset
SELECT json_build_object(
    'system', (SELECT system_identifier::text FROM pg_control_system()),
    'timeline', (SELECT timeline_id FROM pg_control_checkpoint()),
    'version', current_setting('server_version_num'),
    'segment', pg_size_bytes(current_setting('wal_segment_size')),
    'lsn', pg_current_wal_insert_lsn(),
    'slot', (
        SELECT json_build_object(
            'status', coalesce(wal_status, 'lost'),
            'behind', greatest(0, coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0))::bigint
        )
        FROM pg_replication_slots WHERE slot_name = :'slot'
    )
);
