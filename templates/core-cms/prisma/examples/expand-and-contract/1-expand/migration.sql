-- Release 1. Both the release before it, which knows `category` only, and this one work on what this makes.
CREATE TABLE "categories" (
    "id" SERIAL NOT NULL,
    "name" VARCHAR(60) NOT NULL,

    CONSTRAINT "categories_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "categories_name_key" ON "categories"("name");

-- This release writes no `category`; the trigger below fills it in.
ALTER TABLE "content_items" ALTER COLUMN "category" SET DEFAULT '';

-- Empty at first, so that the release before may go on inserting rows without it.
ALTER TABLE "content_items" ADD COLUMN "category_id" INTEGER;
ALTER TABLE "content_items" ADD CONSTRAINT "content_items_category_id_fkey"
    FOREIGN KEY ("category_id") REFERENCES "categories"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "content_items_category_id_idx" ON "content_items"("category_id");

-- Whichever of the two a release writes, the other follows. Who writes both is believed about the new one.
CREATE FUNCTION "content_items_category_in_step"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    new_one boolean := NEW."category_id" IS NOT NULL
        AND (TG_OP = 'INSERT' OR NEW."category_id" IS DISTINCT FROM OLD."category_id");
BEGIN
    IF new_one THEN
        SELECT "name" INTO NEW."category" FROM "categories" WHERE "id" = NEW."category_id";
    ELSIF TG_OP = 'INSERT' OR NEW."category" IS DISTINCT FROM OLD."category" OR NEW."category_id" IS NULL THEN
        INSERT INTO "categories" ("name") VALUES (NEW."category") ON CONFLICT ("name") DO NOTHING;
        SELECT "id" INTO NEW."category_id" FROM "categories" WHERE "name" = NEW."category";
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER "content_items_category_in_step" BEFORE INSERT OR UPDATE ON "content_items"
    FOR EACH ROW EXECUTE FUNCTION "content_items_category_in_step"();

-- The rows that are there. Of a table of millions: in batches, from the app, after the release.
INSERT INTO "categories" ("name") SELECT DISTINCT "category" FROM "content_items";
UPDATE "content_items" SET "category_id" = "categories"."id" FROM "categories"
    WHERE "categories"."name" = "content_items"."category";
