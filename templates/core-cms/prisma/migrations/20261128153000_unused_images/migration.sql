-- AlterTable
ALTER TABLE "images" ADD COLUMN     "unused_since" TIMESTAMPTZ(3);

-- CreateIndex
CREATE INDEX "content_items_image_key_idx" ON "content_items"("image_key");
