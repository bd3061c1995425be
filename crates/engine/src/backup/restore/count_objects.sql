SELECT (SELECT count(*) FROM pg_class WHERE 16384 <= oid AND relpersistence <> 't')
     + (SELECT count(*) FROM pg_proc WHERE 16384 <= oid)
     + (SELECT count(*) FROM pg_type WHERE 16384 <= oid AND typnamespace NOT IN
           (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_(toast_)?temp_'))
     + (SELECT count(*) FROM pg_namespace WHERE 16384 <= oid AND nspname !~ '^pg_(toast_)?temp_')
     + (SELECT count(*) FROM pg_extension WHERE 16384 <= oid)
     + (SELECT count(*) FROM pg_largeobject_metadata)
