-- CreateEnum
CREATE TYPE "order_status" AS ENUM ('on_the_way', 'delivered');

-- CreateTable
CREATE TABLE "deliveries" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "restaurant" VARCHAR(120) NOT NULL,
    "status" "order_status" NOT NULL DEFAULT 'on_the_way',
    "customer_key" CHAR(64) NOT NULL,
    "courier_key" CHAR(64) NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "delivered_at" TIMESTAMPTZ(3),

    CONSTRAINT "deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "courier_places" (
    "order_id" UUID NOT NULL,
    "latitude" DOUBLE PRECISION NOT NULL,
    "longitude" DOUBLE PRECISION NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "courier_places_pkey" PRIMARY KEY ("order_id")
);

-- CreateIndex
CREATE INDEX "deliveries_created_at_idx" ON "deliveries"("created_at" DESC);

-- CreateIndex
CREATE INDEX "deliveries_delivered_at_idx" ON "deliveries"("delivered_at");

-- AddForeignKey
ALTER TABLE "courier_places" ADD CONSTRAINT "courier_places_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "deliveries"("id") ON DELETE CASCADE ON UPDATE CASCADE;
