// GraphiQL on this server: the token is traded for a cookie that no script can read.
const QUERY = `# Sign in above with the token that \`bornier run\` printed, then press play.
{
  stations(first: 20) {
    edges {
      node {
        id
        vendor
        ocppVersion
        connected
        lastSeenAt
        connectors {
          evseId
          status
          since
        }
      }
    }
  }
  transactions(first: 10) {
    edges {
      node {
        stationId
        badge
        startedAt
        endedAt
        energyWh
        powerW
        socEnd
      }
    }
  }
}
`;
const who = document.getElementById("who");
const socket = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`;

document.getElementById("session").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = document.getElementById("token");
  const answer = await fetch("/api/session", { method: "POST", headers: { Authorization: `Bearer ${token.value}` } });
  const body = await answer.json();
  who.textContent = answer.ok ? `${body.name} (${body.roles.join(", ")})` : body.detail;
  if (answer.ok) {
    token.value = "";
    show();
  }
});

const root = ReactDOM.createRoot(document.getElementById("graphiql"));

function show() {
  const fetcher = GraphiQL.createFetcher({ url: "/graphql", subscriptionUrl: socket });
  root.render(React.createElement(GraphiQL, { key: Date.now(), fetcher, defaultQuery: QUERY }));
}

show();
