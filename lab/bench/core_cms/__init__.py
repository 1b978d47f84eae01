"""What Core CMS costs beside a bare Next.js app: requests a core, the first load in a browser, the image, the start."""
