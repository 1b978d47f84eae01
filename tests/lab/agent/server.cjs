// A tiny app whose behaviour is its image's: MODE good, sick, slow, crash, deaf; VERSION is what it answers.
const http = require("http");
const { MODE, VERSION, SECRET_TOKEN } = process.env;
if (MODE === "crash") {
  console.log(`cannot start, token ${SECRET_TOKEN}`);
  process.exit(3);
}
const server = http.createServer({ keepAliveTimeout: 150_000 }, (request, response) => {
  const answer = () => {
    response.statusCode = MODE === "sick" ? 503 : 200;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ version: VERSION, database: MODE === "sick" ? "down" : "ok" }));
  };
  setTimeout(answer, MODE === "slow" ? 900 : 0);
});
if (MODE !== "deaf") server.listen(3000);
else setInterval(() => {}, 1000);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
