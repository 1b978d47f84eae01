import { expect, test } from "@playwright/test";
import { accessible, fits, invitation, signUp } from "./guest";

const SEOUL = { latitude: 37.5665, longitude: 126.978 };

test("a customer sees where the courier is, until the order is there", async ({ page, browser }, info) => {
  await signUp(page, invitation(0, info));
  await page.getByRole("link", { name: "Orders" }).click();
  await page.getByLabel("Restaurant").fill(`Seoul Kitchen ${info.project.name}`);
  await page.getByRole("button", { name: "New delivery" }).click();
  const links = ["For the customer", "For the courier"].map((name) => page.getByRole("link", { name }));
  const [customerUrl, courierUrl] = await Promise.all(links.map((link) => link.getAttribute("href")));
  await accessible(page);

  const customer = await (await browser.newContext()).newPage();
  await customer.goto(customerUrl ?? "");
  await expect(customer.getByText("The courier hasn't started yet.")).toBeVisible();
  const road = await browser.newContext({ geolocation: SEOUL, permissions: ["geolocation"] });
  const courier = await road.newPage();
  await courier.goto(courierUrl ?? "");
  await courier.getByRole("button", { name: "Start" }).click();
  await expect(courier.getByText("The customer sees where you are.")).toBeVisible();
  await expect(customer.getByText("The courier is on the way.")).toBeVisible();
  await expect(customer.getByRole("img", { name: "The courier's way so far" })).toBeVisible();
  await accessible(customer);
  await fits(customer);

  const stranger = await (await browser.newContext()).newPage();
  await stranger.goto((customerUrl ?? "").replace(/#.*/, `#${"x".repeat(32)}`));
  await expect(stranger.getByText("There is no such order.")).toBeVisible();

  await courier.getByRole("button", { name: "Delivered" }).click();
  await expect(customer.getByText("Delivered. Enjoy your meal!")).toBeVisible();
  await Promise.all([customer, courier, stranger].map((each) => each.context().close()));
});
