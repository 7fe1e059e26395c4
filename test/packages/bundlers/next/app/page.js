export default function Page() {
  return <p>GET /api/search</p>;
}
