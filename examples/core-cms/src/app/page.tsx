import type { Metadata } from "next";
import { Live } from "@/components/live";
import { app } from "@/lib/app";
import { currentItems } from "@/lib/items";

export const dynamic = "force-dynamic";

export const generateMetadata = async (): Promise<Metadata> => ({ title: app().config.name });

export default async function Page() {
  const { name, version } = app().config;
  const { cached, title, items } = await currentItems();
  return (
    <main>
      <header>
        <p>{name}</p>
        <h1>{title}</h1>
      </header>
      <ul>
        {items.map(({ id, name: itemName, category, summary, image_url }) => (
          <li key={id}>
            {/* biome-ignore lint/performance/noImgElement: the image is served by the bucket, not by Next.js */}
            {image_url && <img src={image_url} alt="" width={400} height={300} />}
            <h2>{itemName}</h2>
            <p className="category">{category}</p>
            <p>{summary}</p>
          </li>
        ))}
      </ul>
      <footer>
        Version {version}, rows from {cached ? "the cache" : "the database"}. <Live />
      </footer>
    </main>
  );
}
