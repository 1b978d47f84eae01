export const dynamic = "force-dynamic";

/** Well as soon as it answers. */
export const GET = () =>
  Response.json({ status: "ok", version: process.env.APP_VERSION, colour: process.env.CODEB_COLOUR });
