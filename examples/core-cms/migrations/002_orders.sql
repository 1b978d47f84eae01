CREATE TABLE orders (
    id         integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id    integer NOT NULL REFERENCES items (id),
    quantity   integer NOT NULL CHECK (quantity BETWEEN 1 AND 100),
    reference  text NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
