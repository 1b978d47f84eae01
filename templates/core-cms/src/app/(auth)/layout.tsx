import Link from "next/link";
import type { ReactNode } from "react";
import { Language } from "@/components/features/language";
import { config } from "@/lib/app";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <div className="mx-auto grid max-w-md gap-6 p-4">
      <header className="flex flex-wrap items-center justify-between gap-2">
        <Link href="/" className="font-bold">
          {config().name}
        </Link>
        <Language />
      </header>
      {children}
    </div>
  );
}
