# Two stages: the first builds the virtualenv, the second carries it and the code, without pip's caches or a compiler.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt

FROM python:3.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --create-home --uid 10001 sales
COPY --from=build /venv /venv
WORKDIR /app
COPY --chown=root:root . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/salesforecast OMP_WAIT_POLICY=PASSIVE
# collectstatic reads the settings, which insist on secrets; these two live for this one command only.
RUN mkdir -p "$VAR_DIR" /backups \
    && SECRET_KEY=only-while-the-image-is-being-built-0000 FIELD_ENCRYPTION_KEY=only-while-the-image-is-being-built-0000 \
       python manage.py collectstatic --no-input --verbosity 0 \
    && chown -R sales "$VAR_DIR" /backups
USER sales
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(r.Request('http://127.0.0.1:8000/healthz', headers={'Host': os.environ['ALLOWED_HOSTS'].split(',')[0].lstrip('.*')}), timeout=4)"]
CMD ["gunicorn", "salesforecast.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--timeout", "120", "--no-control-socket"]
