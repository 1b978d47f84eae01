import { expect, it } from "vitest";
import en from "@/messages/en.json";
import { newOrder, newPlace, orderKey } from "@/types/order";

it.each([
  ["no name", newOrder.safeParse({ restaurant: " " })],
  ["a long name", newOrder.safeParse({ restaurant: "x".repeat(121) })],
  ["a name with control characters", newOrder.safeParse({ restaurant: "x\u0000" })],
  ["no text", newOrder.safeParse({ restaurant: 1 })],
  ["a field too many", newOrder.safeParse({ restaurant: "x", id: 1 })],
  ["a place off the earth", newPlace.safeParse({ latitude: 91, longitude: 0 })],
  ["a place in words", newPlace.safeParse({ latitude: "north", longitude: 0 })],
  ["a key that is none", orderKey.safeParse({ key: "x" })],
])("there are words for %s", (_, { error }) => {
  const said = error?.issues.map(({ message }) => message) ?? [];
  expect(said.length).toBeGreaterThan(0);
  expect(Object.keys(en.errors)).toEqual(expect.arrayContaining(said));
});
