// A customer's client in JavaScript, as such clients are written after the platform's published samples:
// one header set for a whole flow, the body repeated on GET and DELETE, numbers escaped by hand.
// Node's own library only. Usage: node client.mjs <base address> <applications as JSON>
// Prints one JSON line per application and scheme. NODE_EXTRA_CA_CERTS names a further authority.

import crypto from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const [base, applications] = process.argv.slice(2);

function headers(scheme, key, secret) {
  const nonce = crypto.randomUUID().replaceAll('-', '');
  const created = new Date().toISOString().replace(/\.\d{3}Z$/, 'Z');
  const digest =
    scheme === 'AKSK'
      ? crypto.createHmac('sha256', secret).update(nonce + created).digest('base64')
      : crypto.createHash('sha256').update(nonce + created + secret).digest('base64');
  return {
    'Content-Type': 'application/json;charset=UTF-8',
    Authorization: `${scheme} realm="SDP",profile="UsernameToken",type="Appkey"`,
    [`X-${scheme}`]: `UsernameToken Username="${key}",PasswordDigest="${digest}",Nonce="${nonce}",Created="${created}"`,
  };
}

function ask(method, path, sent, body) {
  const url = new URL(base + path);
  const text = JSON.stringify(body ?? {});
  const library = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const request = library.request(
      url,
      { method, headers: { ...sent, 'Content-Length': Buffer.byteLength(text) } },
      (response) => {
        const chunks = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) });
        });
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

const escaped = (number) => number.replace('+', '%2B');

const FLOWS = {
  async AX(app, sent, steps) {
    const path = '/rest/provision/caas/privatenumber/v1.0';
    const bind = { origNum: app.a, privateNum: app.x, calleeNumDisplay: '0', privateSms: 'true' };
    const bound = await steps('bind', 'POST', path, bind);
    const id = bound.subscriptionId;
    const found = await steps('query', 'GET', `${path}?origNum=${escaped(app.a)}`, bind);
    const callee = { subscriptionId: id, calleeNum: app.b, duration: 60 };
    await steps('callee', 'PUT', '/rest/caas/privatenumber/calleenumber/v1.0', callee);
    await steps('unbind', 'DELETE', `${path}?subscriptionId=${id}&privateNum=`, { subscriptionId: id });
    return found.privateNumList[0].privateNum;
  },
  async AXB(app, sent, steps) {
    const path = '/rest/caas/relationnumber/partners/v1.0';
    const bind = { callerNum: app.a, relationNum: app.x, calleeNum: app.b, duration: 7200 };
    const bound = await steps('bind', 'POST', path, bind);
    const id = bound.subscriptionId;
    const query = `relationNum=${escaped(app.x)}&callerNum=${escaped(app.a)}&pageIndex=1&pageSize=20`;
    const found = await steps('query', 'GET', `${path}?${query}`, bind);
    await steps('modify', 'PUT', path, { subscriptionId: id, duration: 3600, recordFlag: false });
    await steps('unbind', 'DELETE', `${path}?subscriptionId=${id}&relationNum=`, { subscriptionId: 'an old one' });
    return found.relationNumList[0].relationNum;
  },
  async AXE(app, sent, steps) {
    const path = '/rest/caas/extendnumber/v1.0';
    const bind = { virtualNum: app.x, bindNum: app.a, extendNum: '', displayNumMode: 0, bindExpiredTime: 24 };
    const bound = await steps('bind', 'POST', path, bind);
    const place = `virtualNum=${escaped(app.x)}&extendNum=${bound.extendNum}`;
    const found = await steps('query', 'GET', `${path}?subscriptionId=&${place}`, bind);
    await steps('unbind', 'DELETE', `${path}?subscriptionId=&${place}`, bind);
    return found.virtualNum;
  },
  async AXYB(app, sent, steps) {
    const path = `/rest/omp/xyrelationnumber/v1.0?app_key=${app.key}`;
    const ax = { origNum: app.a, areaCode: '755', callDirection: 0, duration: 3600, recordFlag: false };
    const bound = await steps('bind', 'POST', path, ax);
    const id = bound.subscriptionId;
    await steps('bind of B', 'POST', path, { origNum: app.b, subscriptionId: id, areaCode: '755' });
    const found = await steps('query', 'GET', `${path}&subscriptionId=${id}`, { subscriptionId: id });
    const y = escaped(found.xyRelationNumList[0].numY);
    await steps('unbind of Y', 'DELETE', `${path}&subscriptionId=${id}&yNum=${y}`, { subscriptionId: id });
    await steps('unbind', 'DELETE', `${path}&subscriptionId=${id}`, { subscriptionId: id });
    return found.xyRelationNumList[0].numX;
  },
};

for (const app of JSON.parse(applications)) {
  for (const scheme of ['AKSK', 'WSSE']) {
    const sent = headers(scheme, app.key, app.secret);
    const outcomes = [];
    const steps = async (name, method, path, body) => {
      const answer = await ask(method, path, sent, body);
      outcomes.push([name, answer.status, answer.body.resultcode]);
      return answer.body;
    };
    const x = await FLOWS[app.mode](app, sent, steps);
    console.log(JSON.stringify({ mode: app.mode, scheme, steps: outcomes, x }));
  }
}
