"""REST: sites, groups, cameras, zones and the test of a camera."""

from typing import Any, cast
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import TokenAction, User
from apps.accounts.rest import checked, page_of, user_of
from apps.accounts.roles import Capability
from apps.cameras import probing, selectors, services
from apps.cameras import serializers as forms
from apps.cameras.addresses import Credentials
from apps.cameras.models import Camera, CameraCredential
from apps.core.api import ApiView, KeysetPagination
from apps.core.context import current_context

READ, WRITE = TokenAction.CAMERAS_READ, TokenAction.CAMERAS_WRITE
_READ_WRITE = {"GET": READ, "POST": WRITE, "PATCH": WRITE, "PUT": WRITE, "DELETE": WRITE}
_WRITES = ("POST", "PATCH", "PUT", "DELETE")
GONE = OpenApiResponse(description="Removed.")


def rights(write: Capability) -> dict[str, Capability]:
    """Reading for those who see cameras, writing for those who manage."""
    return {"GET": Capability.SEE_CAMERAS, **dict.fromkeys(_WRITES, write)}


def _credentials(values: dict[str, Any]) -> Credentials | None:
    """Takes user name and password out of the values of a form."""
    username, password = values.pop("username", ""), values.pop("password", "")
    return Credentials(username, password) if username or password else None


def _version(request: Request) -> int:
    return cast(int, checked(forms.VersionQuery, request.query_params)["version"])


class SitesView(ApiView):
    capability = rights(Capability.MANAGE_SITES)
    required_action = _READ_WRITE
    pagination_class = KeysetPagination
    keyset_ordering = ("name", "pk")

    @extend_schema(operation_id="sites_list", responses=forms.SiteSerializer(many=True))
    def get(self, request: Request) -> Response:
        return page_of(self, request, selectors.sites_visible_to(user_of(request)), forms.SiteSerializer)

    @extend_schema(request=forms.SiteInput, responses={201: forms.SiteSerializer})
    def post(self, request: Request) -> Response:
        site = services.site_create(acting_user=user_of(request), **checked(forms.SiteInput, request.data))
        return Response(forms.SiteSerializer(site).data, status=status.HTTP_201_CREATED)


class SiteView(ApiView):
    capability = rights(Capability.MANAGE_SITES)
    required_action = _READ_WRITE

    @extend_schema(responses=forms.SiteSerializer)
    def get(self, request: Request, site_id: UUID) -> Response:
        return Response(forms.SiteSerializer(selectors.site_get(user_of(request), site_id)).data)

    @extend_schema(request=forms.SiteChange, responses=forms.SiteSerializer)
    def patch(self, request: Request, site_id: UUID) -> Response:
        user = user_of(request)
        values = checked(forms.SiteChange, request.data)
        site = services.site_update(
            acting_user=user,
            site=selectors.site_get(user, site_id),
            version=values.pop("version"),
            changes=values,
        )
        return Response(forms.SiteSerializer(site).data)

    @extend_schema(parameters=[forms.VersionQuery], responses={204: GONE})
    def delete(self, request: Request, site_id: UUID) -> Response:
        user = user_of(request)
        site = selectors.site_get(user, site_id)
        services.site_delete(acting_user=user, site=site, version=_version(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class GroupsView(ApiView):
    capability = rights(Capability.MANAGE_SITES)
    required_action = _READ_WRITE
    pagination_class = KeysetPagination
    keyset_ordering = ("site__name", "name", "pk")

    @extend_schema(operation_id="groups_list", responses=forms.GroupSerializer(many=True))
    def get(self, request: Request) -> Response:
        return page_of(self, request, selectors.groups_visible_to(user_of(request)), forms.GroupSerializer)

    @extend_schema(request=forms.GroupInput, responses={201: forms.GroupSerializer})
    def post(self, request: Request) -> Response:
        user = user_of(request)
        values = checked(forms.GroupInput, request.data)
        site = selectors.site_get(user, values["site"])
        group = services.group_create(acting_user=user, site=site, name=values["name"])
        return Response(forms.GroupSerializer(group).data, status=status.HTTP_201_CREATED)


class GroupView(ApiView):
    capability = rights(Capability.MANAGE_SITES)
    required_action = _READ_WRITE

    @extend_schema(responses=forms.GroupSerializer)
    def get(self, request: Request, group_id: UUID) -> Response:
        return Response(forms.GroupSerializer(selectors.group_get(user_of(request), group_id)).data)

    @extend_schema(request=forms.GroupChange, responses=forms.GroupSerializer)
    def patch(self, request: Request, group_id: UUID) -> Response:
        user = user_of(request)
        group = selectors.group_get(user, group_id)
        values = checked(forms.GroupChange, request.data)
        services.group_update(acting_user=user, group=group, **values)
        return Response(forms.GroupSerializer(group).data)

    @extend_schema(parameters=[forms.VersionQuery], responses={204: GONE})
    def delete(self, request: Request, group_id: UUID) -> Response:
        user = user_of(request)
        group = selectors.group_get(user, group_id)
        services.group_delete(acting_user=user, group=group, version=_version(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class GroupMembersView(ApiView):
    capability = {"PUT": Capability.MANAGE_SITES}
    required_action = _READ_WRITE

    @extend_schema(request=forms.GroupMembers, responses=forms.GroupSerializer)
    def put(self, request: Request, group_id: UUID) -> Response:
        """Replace the cameras of a group."""
        user = user_of(request)
        group = selectors.group_get(user, group_id)
        values = checked(forms.GroupMembers, request.data)
        services.group_set_cameras(
            acting_user=user, group=group, version=values["version"], camera_ids=values["cameras"]
        )
        return Response(forms.GroupSerializer(group).data)


def _with_credentials(cameras: QuerySet[Camera]) -> QuerySet[Camera]:
    stored = CameraCredential.objects.filter(camera=OuterRef("pk"))
    return cameras.annotate(has_credentials=Exists(stored))


def _shown(user: User, camera_id: UUID) -> dict[str, Any]:
    visible = _with_credentials(selectors.cameras_visible_to(user))
    return dict(forms.CameraSerializer(visible.get(pk=camera_id)).data)


class CamerasView(ApiView):
    capability = rights(Capability.MANAGE_CAMERAS)
    required_action = _READ_WRITE
    pagination_class = KeysetPagination
    keyset_ordering = ("site__name", "name", "pk")

    @extend_schema(
        operation_id="cameras_list",
        parameters=[forms.CameraQuery],
        responses=forms.CameraSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        query = checked(forms.CameraQuery, request.query_params)
        cameras = _with_credentials(selectors.cameras_visible_to(user_of(request)))
        if "site" in query:
            cameras = cameras.filter(site=query["site"])
        if "group" in query:
            cameras = cameras.filter(groups=query["group"])
        if query["enabled"] is not None:
            cameras = cameras.filter(enabled=query["enabled"])
        return page_of(self, request, cameras, forms.CameraSerializer)

    @extend_schema(request=forms.CameraInput, responses={201: forms.CameraSerializer})
    def post(self, request: Request) -> Response:
        """Add a camera. Credentials are sealed apart from the address and never shown again."""
        user = user_of(request)
        values = checked(forms.CameraInput, request.data)
        site = selectors.site_get(user, values.pop("site"))
        credentials = _credentials(values)
        camera = services.camera_create(acting_user=user, site=site, credentials=credentials, **values)
        return Response(_shown(user, camera.pk), status=status.HTTP_201_CREATED)


class _OneCamera(ApiView):
    """A view of one camera, looked up with the capability that the method asks for."""

    capability = rights(Capability.MANAGE_CAMERAS)
    required_action = _READ_WRITE

    def camera_of(self, request: Request, camera_id: UUID) -> Camera:
        write = request.method in _WRITES
        return selectors.access_camera(
            user_of(request),
            camera_id,
            purpose=current_context().purpose,
            capability=Capability.MANAGE_CAMERAS if write else Capability.SEE_CAMERAS,
        )


class CameraView(_OneCamera):
    @extend_schema(responses=forms.CameraSerializer)
    def get(self, request: Request, camera_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        return Response(_shown(user_of(request), camera.pk))

    @extend_schema(request=forms.CameraChange, responses=forms.CameraSerializer)
    def patch(self, request: Request, camera_id: UUID) -> Response:
        """Change settings. An address on another host drops the stored credentials."""
        camera = self.camera_of(request, camera_id)
        values = checked(forms.CameraChange, request.data)
        version = values.pop("version")
        services.camera_update(acting_user=user_of(request), camera=camera, version=version, changes=values)
        return Response(_shown(user_of(request), camera.pk))

    @extend_schema(parameters=[forms.VersionQuery], responses={204: GONE})
    def delete(self, request: Request, camera_id: UUID) -> Response:
        """Remove a camera with its events and readings."""
        camera = self.camera_of(request, camera_id)
        services.camera_delete(acting_user=user_of(request), camera=camera, version=_version(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class CameraEnableView(_OneCamera):
    capability = {"POST": Capability.MANAGE_CAMERAS}

    @extend_schema(request=forms.VersionInput, responses=forms.CameraSerializer)
    def post(self, request: Request, camera_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        values = checked(forms.VersionInput, request.data)
        services.camera_enable(acting_user=user_of(request), camera=camera, version=values["version"])
        return Response(_shown(user_of(request), camera.pk))


class CameraDisableView(_OneCamera):
    capability = {"POST": Capability.MANAGE_CAMERAS}

    @extend_schema(request=forms.VersionInput, responses=forms.CameraSerializer)
    def post(self, request: Request, camera_id: UUID) -> Response:
        """Stop looking: the data plane closes the stream within a second."""
        camera = self.camera_of(request, camera_id)
        values = checked(forms.VersionInput, request.data)
        services.camera_disable(acting_user=user_of(request), camera=camera, **values)
        return Response(_shown(user_of(request), camera.pk))


class CameraCredentialsView(_OneCamera):
    capability = {"PUT": Capability.MANAGE_CAMERAS, "DELETE": Capability.MANAGE_CAMERAS}

    @extend_schema(request=forms.CredentialsInput, responses=forms.CameraSerializer)
    def put(self, request: Request, camera_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        values = checked(forms.CredentialsInput, request.data)
        services.credentials_set(
            acting_user=user_of(request),
            camera=camera,
            version=values["version"],
            credentials=Credentials(values["username"], values["password"]),
        )
        return Response(_shown(user_of(request), camera.pk))

    @extend_schema(parameters=[forms.VersionQuery], responses={204: GONE})
    def delete(self, request: Request, camera_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        services.credentials_clear(acting_user=user_of(request), camera=camera, version=_version(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ZonesView(_OneCamera):
    @extend_schema(operation_id="zones_list", responses=forms.ZoneSerializer(many=True))
    def get(self, request: Request, camera_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        return Response(forms.ZoneSerializer(selectors.zones_of(camera), many=True).data)

    @extend_schema(request=forms.ZoneInput, responses={201: forms.ZoneSerializer})
    def post(self, request: Request, camera_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        values = checked(forms.ZoneInput, request.data)
        zone = services.zone_create(acting_user=user_of(request), camera=camera, **values)
        return Response(forms.ZoneSerializer(zone).data, status=status.HTTP_201_CREATED)


class ZoneView(_OneCamera):
    @extend_schema(responses=forms.ZoneSerializer)
    def get(self, request: Request, camera_id: UUID, zone_id: UUID) -> Response:
        camera = self.camera_of(request, camera_id)
        return Response(forms.ZoneSerializer(selectors.zone_get(camera, zone_id)).data)

    @extend_schema(request=forms.ZoneChange, responses=forms.ZoneSerializer)
    def patch(self, request: Request, camera_id: UUID, zone_id: UUID) -> Response:
        zone = selectors.zone_get(self.camera_of(request, camera_id), zone_id)
        values = checked(forms.ZoneChange, request.data)
        version = values.pop("version")
        services.zone_update(acting_user=user_of(request), zone=zone, version=version, changes=values)
        return Response(forms.ZoneSerializer(zone).data)

    @extend_schema(parameters=[forms.VersionQuery], responses={204: GONE})
    def delete(self, request: Request, camera_id: UUID, zone_id: UUID) -> Response:
        zone = selectors.zone_get(self.camera_of(request, camera_id), zone_id)
        services.zone_delete(acting_user=user_of(request), zone=zone, version=_version(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProbesView(ApiView):
    capability = {"POST": Capability.MANAGE_CAMERAS}
    required_action = _READ_WRITE

    @extend_schema(request=forms.ProbeInput, responses={202: forms.ProbeStarted})
    def post(self, request: Request) -> Response:
        """Test a source step by step before it becomes a camera."""
        user = user_of(request)
        values = checked(forms.ProbeInput, request.data)
        form = probing.ProbeForm(
            kind=values["kind"],
            url=values["url"],
            transport=values["transport"],
            site=selectors.site_get(user, values["site"]),
            credentials=_credentials(values),
            camera=self._camera(request, values.get("camera")),
        )
        probe_id = probing.probe_start(acting_user=user, form=form)
        return Response({"probe_id": probe_id}, status=status.HTTP_202_ACCEPTED)

    def _camera(self, request: Request, camera_id: UUID | None) -> Camera | None:
        if camera_id is None:
            return None
        return selectors.access_camera(
            user_of(request), camera_id, purpose="test", capability=Capability.MANAGE_CAMERAS
        )


class ProbeView(ApiView):
    capability = {"GET": Capability.MANAGE_CAMERAS}
    required_action = {"GET": WRITE}

    @extend_schema(responses=forms.ProbeSerializer)
    def get(self, request: Request, probe_id: UUID) -> Response:
        """The steps known so far; ask again until `finished`."""
        probe = probing.probe_get(user_of(request), str(probe_id))
        return Response(forms.ProbeSerializer(probe).data)
