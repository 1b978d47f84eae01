-- Release 2, once release 1 is live everywhere and nobody goes back behind it. Undone as a whole if a row isn't ready.
DO $$
DECLARE
    missing bigint;
BEGIN
    SELECT count(*) INTO missing FROM "content_items" WHERE "category_id" IS NULL;
    IF missing > 0 THEN
        RAISE EXCEPTION '% rows of content_items have no category_id yet', missing
            USING HINT = 'release 1 has to fill them in first';
    END IF;
END $$;

DROP TRIGGER "content_items_category_in_step" ON "content_items";
DROP FUNCTION "content_items_category_in_step"();
ALTER TABLE "content_items" ALTER COLUMN "category_id" SET NOT NULL;
ALTER TABLE "content_items" DROP COLUMN "category";
