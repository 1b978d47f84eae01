/** What the app is called where `NEXT_PUBLIC_APP_NAME` doesn't say. */
export const APP_NAME = "Core CMS";

/** By what its database connections and its channels go where the platform gives no other name. */
export const APP_ID = "core-cms";
