import { restaurants } from "@/lib/list";

/** Made once, by the build. */
export default function Page() {
  return (
    <main>
      <h1>Restaurants</h1>
      <ul>
        {restaurants.map(({ id, name, summary }) => (
          <li key={id}>
            {name}: {summary}
          </li>
        ))}
      </ul>
    </main>
  );
}
