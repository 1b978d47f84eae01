import { invite, listAccounts } from "@/lib/accounts";
import { visitorAddress } from "@/lib/address";
import { requireUser } from "@/lib/auth";
import { body, handle, json } from "@/lib/http";
import { boundedInt } from "@/lib/process";
import { inviteForm } from "@/types/account-forms";

/** A page of the accounts: `?page=`, from 1. Administrators only. */
export const GET = (request: Request) =>
  handle(async () => {
    await requireUser("admin");
    const page = boundedInt(new URL(request.url).searchParams.get("page"), 1, 1, 100_000);
    return json(await listAccounts(page));
  });

/** Invites somebody: 201 with the link for him, this once. Administrators only. */
export const POST = (request: Request) =>
  handle(async () => {
    const admin = await requireUser("admin");
    const form = await body(request, inviteForm);
    return json({ link: await invite(admin, form, visitorAddress(request.headers)) }, 201);
  });
