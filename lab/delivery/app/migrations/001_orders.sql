CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  items jsonb NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now()
);
